/* render_gl.h - a place to draw without a screen: an OpenGL context of Mesa's software renderer
 * (OSMesa) or, where that is missing, of EGL. Both are loaded when they are asked for, so that
 * nothing else needs them. */
#ifndef SIM_RENDER_GL_H
#define SIM_RENDER_GL_H

#include "base/error.h"

typedef struct render_gl render_gl;

/* Makes a context, current in the calling thread. EABSENT: the machine has neither library, or both
 * refuse; the message says what to install. ENOMEM. */
MUST_CHECK mopo_status render_gl_create(render_gl **out, mopo_error *err);
void render_gl_free(render_gl *gl);
/* "OSMesa", "EGL" */
const char *render_gl_name(const render_gl *gl);

#endif
