/* version.c - which library is this? */
#include <mopo/mopo.h>

const char *mopo_version(void) { return MOPO_VERSION; }
