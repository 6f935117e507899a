/* A shared object that is no plug-in. */
int not_assays(void);

int not_assays(void)
{
    return 7;
}
