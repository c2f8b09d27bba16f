/* render_gl.c - see render_gl.h. OSMesa comes first: its pictures do not depend on the machine's
 * graphics card. MuJoCo looks among the libraries that are loaded for the one that made the
 * context, so each is loaded with global symbols, and unloaded where it fails. */
#include "sim/render_gl.h"

#include <dlfcn.h>
#include <stdlib.h>

/* From GL/osmesa.h, GL/gl.h and EGL/egl.h, EGL/eglext.h (Khronos): functions and numbers that never
 * change, so that the build needs none of these headers. */
enum {
  GL_UNSIGNED_BYTE = 0x1401,
  OSMESA_RGBA = 0x1908,
  EGL_PBUFFER_BIT = 1,
  EGL_OPENGL_BIT = 8,
  EGL_ALPHA_SIZE = 0x3021,
  EGL_DEPTH_SIZE = 0x3025,
  EGL_SURFACE_TYPE = 0x3033,
  EGL_NONE = 0x3038,
  EGL_RENDERABLE_TYPE = 0x3040,
  EGL_HEIGHT = 0x3056,
  EGL_WIDTH = 0x3057,
  EGL_OPENGL_API = 0x30a2,
  EGL_PLATFORM_SURFACELESS_MESA = 0x31dd,
};

/* The picture itself is drawn into a buffer of MuJoCo's; the context's own is never seen. */
enum { SIDE = 16, DEPTH_BITS = 24, STENCIL_BITS = 8 };

struct render_gl {
  void *library;
  const char *name;
  void *display, *context, *surface;
  unsigned char pixels[SIDE * SIDE * 4];
};

/* A function of the library as a pointer of the type of `f`; POSIX lets data become functions. */
#define FIND(f, library, name) (*(void **)&(f) = dlsym(library, name), (f) != NULL)

static void *open_first(const char *const *names)
{
  void *library = NULL;
  for (; *names && !library; names++) library = dlopen(*names, RTLD_LAZY | RTLD_GLOBAL);
  return library;
}

/* ------------------------------------------------------------------ OSMesa */

static bool osmesa_create(render_gl *gl)
{
  void *(*create)(unsigned format, int depth, int stencil, int accum, void *share) = NULL;
  unsigned char (*make_current)(void *, void *pixels, unsigned type, int w, int h) = NULL;
  if (!FIND(create, gl->library, "OSMesaCreateContextExt") ||
      !FIND(make_current, gl->library, "OSMesaMakeCurrent"))
    return false;
  gl->context = create(OSMESA_RGBA, DEPTH_BITS, STENCIL_BITS, 0, NULL);
  return gl->context && make_current(gl->context, gl->pixels, GL_UNSIGNED_BYTE, SIDE, SIDE);
}

static void osmesa_free(render_gl *gl)
{
  void (*destroy)(void *) = NULL;
  if (gl->context && FIND(destroy, gl->library, "OSMesaDestroyContext")) destroy(gl->context);
}

/* ------------------------------------------------------------------ EGL */

static void *egl_display(render_gl *gl)
{
  void *(*find)(const char *name) = NULL, *(*get)(void *native) = NULL;
  void *(*get_on)(unsigned platform, void *native, const int *attributes) = NULL;
  if (FIND(find, gl->library, "eglGetProcAddress"))
    *(void **)&get_on = find("eglGetPlatformDisplayEXT");
  void *display = get_on ? get_on(EGL_PLATFORM_SURFACELESS_MESA, NULL, NULL) : NULL;
  if (!display && FIND(get, gl->library, "eglGetDisplay")) display = get(NULL);
  return display;
}

static bool egl_create(render_gl *gl)
{
  static const int wanted[] = {
      EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT,
      EGL_DEPTH_SIZE,   DEPTH_BITS,      EGL_ALPHA_SIZE,      8,
      EGL_NONE};
  static const int size[] = {EGL_WIDTH, SIDE, EGL_HEIGHT, SIDE, EGL_NONE};
  unsigned (*initialize)(void *, int *, int *) = NULL, (*bind)(unsigned) = NULL;
  unsigned (*choose)(void *, const int *, void **, int, int *) = NULL;
  unsigned (*make_current)(void *, void *, void *, void *) = NULL;
  void *(*new_context)(void *, void *, void *, const int *) = NULL;
  void *(*new_surface)(void *, void *, const int *) = NULL;
  void *config = NULL;
  int configs = 0;
  if (!FIND(initialize, gl->library, "eglInitialize") || !FIND(bind, gl->library, "eglBindAPI") ||
      !FIND(choose, gl->library, "eglChooseConfig") ||
      !FIND(new_context, gl->library, "eglCreateContext") ||
      !FIND(new_surface, gl->library, "eglCreatePbufferSurface") ||
      !FIND(make_current, gl->library, "eglMakeCurrent"))
    return false;
  gl->display = egl_display(gl);
  if (!gl->display || !initialize(gl->display, NULL, NULL) || !bind(EGL_OPENGL_API) ||
      !choose(gl->display, wanted, &config, 1, &configs) || configs < 1)
    return false;
  gl->context = new_context(gl->display, config, NULL, NULL);
  gl->surface = gl->context ? new_surface(gl->display, config, size) : NULL;
  return gl->surface && make_current(gl->display, gl->surface, gl->surface, gl->context);
}

static void egl_free(render_gl *gl)
{
  unsigned (*make_current)(void *, void *, void *, void *) = NULL, (*terminate)(void *) = NULL;
  if (!gl->display) return;
  if (FIND(make_current, gl->library, "eglMakeCurrent"))
    make_current(gl->display, NULL, NULL, NULL);
  if (FIND(terminate, gl->library, "eglTerminate")) terminate(gl->display);
}

/* ------------------------------------------------------------------ either */

static const struct kind {
  const char *name;
  const char *files[4];
  bool (*create)(render_gl *gl);
  void (*free)(render_gl *gl);
} kinds[] = {
    {"OSMesa", {"libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"}, osmesa_create, osmesa_free},
    {"EGL", {"libEGL.so.1", "libEGL.so"}, egl_create, egl_free},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A library that has worked stays loaded: MuJoCo keeps pointers to its functions. */
static void unload(render_gl *gl, const struct kind *k, bool refused)
{
  k->free(gl);
  if (refused) dlclose(gl->library);
  *gl = (render_gl){.library = NULL};
}

mopo_status render_gl_create(render_gl **out, mopo_error *err)
{
  render_gl *gl = calloc(1, sizeof *gl);
  *out = gl;
  if (!gl) return error_set(err, MOPO_ENOMEM, "drawing: no memory");
  for (int i = 0; i < KINDS; i++) {
    gl->library = open_first(kinds[i].files);
    if (!gl->library) continue;
    gl->name = kinds[i].name;
    if (kinds[i].create(gl)) return MOPO_OK;
    unload(gl, &kinds[i], true);
  }
  free(gl);
  *out = NULL;
  return error_set(err, MOPO_EABSENT,
                   "no way to draw here: neither OSMesa nor EGL; apt-get install libosmesa6");
}

void render_gl_free(render_gl *gl)
{
  if (!gl) return;
  for (int i = 0; i < KINDS; i++)
    if (gl->name == kinds[i].name) {
      unload(gl, &kinds[i], false);
      break;
    }
  free(gl);
}

const char *render_gl_name(const render_gl *gl) { return gl->name; }
