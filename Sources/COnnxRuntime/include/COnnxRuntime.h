// ONNX Runtime through its C ABI, loaded at run time: nothing is linked and no header of it is needed.
//
// The ABI is a table of function pointers to which versions only append; slots.h names the few in use. Every function
// that can fail returns 0 on success, else it puts a message into `error` (cut to its size).
#ifndef TAMIS_ONNXRUNTIME_H
#define TAMIS_ONNXRUNTIME_H

#include <stddef.h>
#include <stdint.h>

typedef struct tamis_ort tamis_ort;
typedef struct tamis_ort_session tamis_ort_session;

#define TAMIS_ORT_ERROR 1024
#define TAMIS_ORT_DIMENSIONS 8

// ONNXTensorElementDataType, as far as Tamis reads or writes it.
enum tamis_ort_type {
  tamis_ort_float32 = 1,
  tamis_ort_uint8 = 2,
  tamis_ort_int8 = 3,
  tamis_ort_int32 = 6,
  tamis_ort_int64 = 7,
  tamis_ort_bool = 9,
  tamis_ort_float16 = 10,
};

// What a model says of an input or output.
typedef struct tamis_ort_value {
  char name[256];
  int type;              // enum tamis_ort_type, or another ONNX number; 0 where it is no tensor
  int rank;              // at most TAMIS_ORT_DIMENSIONS; -1 where there are more
  int64_t dimensions[TAMIS_ORT_DIMENSIONS];  // -1 where the model leaves it open
} tamis_ort_value;

// An input tensor for a run; the caller keeps the data.
typedef struct tamis_ort_tensor {
  size_t input;  // which of the model's inputs
  int type;
  int rank;
  int64_t dimensions[TAMIS_ORT_DIMENSIONS];
  void *data;
  size_t bytes;
} tamis_ort_tensor;

// Loads the library at `path` (a file, or a name that the system's loader knows).
int tamis_ort_open(const char *path, tamis_ort **runtime, char *error);
// Its version, such as 1.31.1.
const char *tamis_ort_version(const tamis_ort *runtime);
void tamis_ort_close(tamis_ort *runtime);

// Where a session runs; -1: on the processor; 0 and up: on that CUDA device, if the library was built with CUDA.
#define TAMIS_ORT_CPU (-1)

// A session for the model file at `path`: one thread inside an operator, none that spins. Any number of threads may
// run it.
int tamis_ort_session_create(tamis_ort *runtime, const char *path, int device, tamis_ort_session **session, char *error);
size_t tamis_ort_input_count(const tamis_ort_session *session);
size_t tamis_ort_output_count(const tamis_ort_session *session);
// They live as long as the session.
const tamis_ort_value *tamis_ort_input(const tamis_ort_session *session, size_t index);
const tamis_ort_value *tamis_ort_output(const tamis_ort_session *session, size_t index);
void tamis_ort_session_destroy(tamis_ort_session *session);

// What becomes of an output of a run: its shape, and its data, which lives until the function returns.
typedef void (*tamis_ort_receiver)(void *context, int type, int rank, const int64_t *dimensions, const void *data,
                                   size_t elements);

// Runs the session once and hands the wanted outputs to `receive`, in the order of `outputs`.
int tamis_ort_run(const tamis_ort_session *session, const tamis_ort_tensor *inputs, size_t input_count,
                  const size_t *outputs, size_t output_count, tamis_ort_receiver receive, void *context, char *error);

#endif
