#include <stdio.h>

#include "verify/explain/options.h"

static const char what[] =
    "assay explain: SAE latents and activations of a Llama, put into words by an explainer\n"
    "\n"
    "usage: assay explain --model DIR --sae PATH --adapter FILE --feature N[,N-M…]\n"
    "       assay explain --model DIR --adapter FILE --text T --hook H [--position P] [--top K]\n"
    "       assay explain --model DIR --sae PATH --steer LATENT:MODE:AMOUNT --prompt T\n"
    "\n"
    "checkpoints, in the form they are published in\n"
    "  --model DIR        a Llama folder; --explainer DIR another one that explains\n"
    "  --sae PATH         a .pth/.pt file (Goodfire, qresearch, OpenAI TopK), or a folder\n"
    "                     (Llama Scope)\n"
    "  --recipe R         goodfire, qresearch, llamascope-openmoss, -saelens, -training,\n"
    "                     topk-openai; by default the file's own, openmoss for Llama Scope\n"
    "  --adapter FILE     a SelfIE adapter (.safetensors or legacy .pt), or the word 'identity'\n"
    "  --mean FILE --mean-key K   subtract this mean vector first (contrastive adapters)\n"
    "\n"
    "what is explained\n"
    "  --feature LIST     latents by number: 12, 3,17,40-44 or all, as their decoder columns\n"
    "  --text T           run T through the model and explain the activation at\n"
    "    --hook H         embed, layers.I.input, .output, .attn_out, .mlp_in, .mlp_out,\n"
    "                     final_norm (by default the one the SAE's file names)\n"
    "    --position LIST  token positions, -1 the last (default), or all\n"
    "    --top K          instead, encode it and explain the K strongest latents of each token\n"
    "  --steer L:MODE:A   generate from --prompt without and with latent L edited: add, set,\n"
    "                     scale or ablate (no amount); --positions all|prompt; greedy unless told\n"
    "  --chat, --date D   render T with the model's chat template; --no-special-tokens: no BOS\n";

static const char how[] =
    "\n"
    "how\n"
    "  --style S          selfie (default) or transluce (no adapter unless named)\n"
    "  --layer L          the layer the transluce prompt names; by default the hook's\n"
    "  --max-new-tokens N 50 for selfie and --steer, 128 for transluce\n"
    "  --temperature T    0.5 for selfie, 0 (greedy) otherwise; 0 is always greedy\n"
    "  --top-p P, --sample-top-k N   generation_config.json's, else 1 and 50; N = 0 is off\n"
    "  --seed N           draws depend on it and on the latent alone (0)\n"
    "  --eos E            model (default: generation_config.json's), tokenizer (only its own, as\n"
    "                     the published evaluator), none, or ids: 128001,128009\n"
    "  --legacy-label     cut at the first quote instead of the last\n"
    "  --clean-up-spaces  Hugging Face's clean_up_tokenization_spaces\n"
    "  --impl G           an implementation of `assay list kernels`, or 'oracle' (scalar)\n"
    "  --threads N        OpenMP threads\n"
    "  --json             settings, tokens and labels as one JSON object\n"
    "  --dump DIR         every stage's product as a golden bundle for `assay verify --golden\n"
    "                     DIR` (needs --temperature 0); it links to the checkpoints; on\n"
    "                     another machine give verify --model, --sae, --adapter, --mean again\n"
    "\n"
    "examples\n"
    "  assay explain --model Llama-3.1-8B-Instruct --sae Llama-3.1-8B-Instruct-SAE-l19.pth \\\n"
    "      --adapter goodfire-sae-scalar-affine.safetensors --feature 40195,512-520\n"
    "  assay explain --model Llama-3.1-8B --explainer features_explain_llama3.1_8b_llama3.1_8b \\\n"
    "      --sae L15R-8x --style transluce --feature 100\n"
    "  assay explain --model Llama-3.2-1B-Instruct --sae sae.pt --adapter identity \\\n"
    "      --text 'The Eiffel Tower is in' --hook layers.9.input --top 5\n"
    "  assay explain --model Llama-3.2-1B-Instruct --sae sae.pt --hook layers.9.output \\\n"
    "      --steer 7:add:12 --prompt 'Tell me about your day.' --chat --date '26 Jul 2024'\n"
    "\n"
    "exit status: 0 explained; 2 usage; 3 input or environment\n";

void assay_explain_help(void)
{
    (void)fputs(what, stdout);
    (void)fputs(how, stdout);
}
