/* render.h - pictures of a body in its world, by MuJoCo's renderer, with no screen and no graphics
 * card. A renderer belongs to the thread that made it; one at a time in a process, for MuJoCo binds
 * OpenGL for the whole process. */
#ifndef SIM_RENDER_H
#define SIM_RENDER_H

#include "sim/sim.h"

typedef struct renderer renderer;

/* Pictures of width x height pixels, through the body's camera "track", which follows it. w
 * outlives the renderer. EABSENT (built without MuJoCo; no OpenGL on this machine: says what to
 * install), EINVAL (the size is beyond what OpenGL can do here), ENOMEM. */
MUST_CHECK mopo_status renderer_create(renderer **out, const sim_world *w, int width, int height,
                                       mopo_error *err);
void renderer_free(renderer *r);
/* The sim as it stands: rgb [height,width,3], first row on top. False: MuJoCo gave up. */
MUST_CHECK bool renderer_draw(renderer *r, sim *s, unsigned char *rgb);
/* What draws: "OSMesa", "EGL"; borrowed. */
const char *renderer_name(const renderer *r);

#endif
