/* The one type that cuDNN's header wants of CUDA's. */
#ifndef KERNELS_CUDNN_EMULATE_LIBRARY_TYPES_H
#define KERNELS_CUDNN_EMULATE_LIBRARY_TYPES_H

typedef enum libraryPropertyType_t { MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL } libraryPropertyType;

#endif
