/* fixtures/devices.json, as the build finds it. */
#ifndef REPORTS_DEVICES_H
#define REPORTS_DEVICES_H

extern const char reports_devices[];

#endif
