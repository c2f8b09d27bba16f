# MUJOCO_LIBRARY and MUJOCO_INCLUDE: the system's MuJoCo, or that of MUJOCO_DIR, which is the directory of a
# release (include/, lib/libmujoco.so) or the package `mujoco` of a Python (include/, libmujoco.so.X.Y.Z).
if(MUJOCO_DIR)
  file(GLOB versioned ${MUJOCO_DIR}/libmujoco.so.* ${MUJOCO_DIR}/lib/libmujoco.so.*)
  list(TRANSFORM versioned REPLACE ".*/" "")
  find_library(MUJOCO_LIBRARY NAMES mujoco ${versioned} HINTS ${MUJOCO_DIR}/lib ${MUJOCO_DIR}
    NO_DEFAULT_PATH REQUIRED)
  find_path(MUJOCO_INCLUDE mujoco/mujoco.h HINTS ${MUJOCO_DIR}/include NO_DEFAULT_PATH REQUIRED)
  set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON) # what is installed finds it there
else()
  find_library(MUJOCO_LIBRARY mujoco REQUIRED)
  find_path(MUJOCO_INCLUDE mujoco/mujoco.h REQUIRED)
endif()
