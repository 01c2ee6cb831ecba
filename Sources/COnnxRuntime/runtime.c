#include "COnnxRuntime.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slots.h"

struct tamis_ort {
  void *library;
  const ort_base *base;
  ort_table table;
  ort_object *environment;
  ort_object *cpu;        // memory info
  ort_object *allocator;  // the library's own, not released
};

struct tamis_ort_session {
  const tamis_ort *runtime;
  ort_object *session;
  size_t input_count;
  size_t output_count;
  tamis_ort_value *values;  // inputs, then outputs
};

static int fail(char *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error, TAMIS_ORT_ERROR, format, arguments);
  va_end(arguments);
  return 1;
}

// 0 where `status` says that the call worked; takes the message and releases it otherwise.
static int check(ort_table table, ort_status *status, char *error) {
  if (!status) return 0;
  const char *message = ((const char *(*)(const ort_status *))table[ort_get_error_message])(status);
  fail(error, "%s", message ? message : "unknown error");
  ORT_RELEASE(table, ort_release_status)(status);
  return 1;
}

int tamis_ort_open(const char *path, tamis_ort **runtime, char *error) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail(error, "%s", dlerror());
  const ort_base *(*get_base)(void) = (const ort_base *(*)(void))dlsym(library, "OrtGetApiBase");
  const ort_base *base = get_base ? get_base() : NULL;
  ort_table table = base ? base->get_api(ORT_API_VERSION) : NULL;
  if (!table) {
    fail(error, base ? "version %s is too old; 1.17 or later is needed" : "%s: this is not ONNX Runtime",
         base ? base->version() : path);
    dlclose(library);
    return 1;
  }
  tamis_ort new = {.library = library, .base = base, .table = table};
  const int warnings_off = 3, arena = 1, by_default = 0;  // ORT_LOGGING_LEVEL_ERROR, OrtArenaAllocator, OrtMemTypeDefault
  if (check(table, ORT_CALL(table, ort_create_env, int, const char *, ort_object **)(warnings_off, "tamis", &new.environment), error) ||
      check(table, ORT_CALL(table, ort_create_cpu_memory_info, int, int, ort_object **)(arena, by_default, &new.cpu), error) ||
      check(table, ORT_CALL(table, ort_default_allocator, ort_object **)(&new.allocator), error) ||
      (!(*runtime = malloc(sizeof new)) && fail(error, "out of memory"))) {
    if (new.cpu) ORT_RELEASE(table, ort_release_memory_info)(new.cpu);
    if (new.environment) ORT_RELEASE(table, ort_release_env)(new.environment);
    dlclose(library);
    return 1;
  }
  **runtime = new;
  return 0;
}

const char *tamis_ort_version(const tamis_ort *runtime) { return runtime->base->version(); }

void tamis_ort_close(tamis_ort *runtime) {
  ORT_RELEASE(runtime->table, ort_release_memory_info)(runtime->cpu);
  ORT_RELEASE(runtime->table, ort_release_env)(runtime->environment);
  // The library stays loaded: its threads and exit handlers may outlive the environment.
  free(runtime);
}

static int shape(ort_table table, const ort_object *info, int *type, int *rank, int64_t *dimensions, char *error) {
  size_t found = 0;
  if (check(table, ORT_CALL(table, ort_tensor_element_type, const ort_object *, int *)(info, type), error) ||
      check(table, ORT_CALL(table, ort_dimension_count, const ort_object *, size_t *)(info, &found), error))
    return 1;
  *rank = found > TAMIS_ORT_DIMENSIONS ? -1 : (int)found;
  if (*rank <= 0) return 0;
  return check(table, ORT_CALL(table, ort_dimensions, const ort_object *, int64_t *, size_t)(info, dimensions, found), error);
}

static int describe(ort_table table, ort_object *allocator, const ort_object *session, size_t index,
                    enum ort_slot name_slot, enum ort_slot type_slot, tamis_ort_value *value, char *error) {
  char *name = NULL;
  ort_object *info = NULL;
  const ort_object *tensor = NULL;  // belongs to `info`
  if (check(table, ORT_CALL(table, name_slot, const ort_object *, size_t, ort_object *, char **)(
                       session, index, allocator, &name), error))
    return 1;
  int fits = strlen(name) < sizeof value->name;
  if (fits) strcpy(value->name, name);
  int failed = check(table, ORT_CALL(table, ort_allocator_free, ort_object *, void *)(allocator, name), error);
  if (!fits) return fail(error, "a value of the model has a name of more than 255 bytes");
  if (failed || check(table, ORT_CALL(table, type_slot, const ort_object *, size_t, ort_object **)(
                                 session, index, &info), error))
    return 1;
  failed = check(table, ORT_CALL(table, ort_cast_type_to_tensor, const ort_object *, const ort_object **)(
                            info, &tensor), error);
  if (!failed && tensor) failed = shape(table, tensor, &value->type, &value->rank, value->dimensions, error);
  ORT_RELEASE(table, ort_release_type_info)(info);
  return failed;
}

// Fills in counts and values of a session.
static int describe_all(tamis_ort_session *session, char *error) {
  ort_table table = session->runtime->table;
  ort_object *allocator = session->runtime->allocator;
  if (check(table, ORT_CALL(table, ort_session_input_count, const ort_object *, size_t *)(
                       session->session, &session->input_count), error) ||
      check(table, ORT_CALL(table, ort_session_output_count, const ort_object *, size_t *)(
                       session->session, &session->output_count), error))
    return 1;
  size_t inputs = session->input_count, all = inputs + session->output_count;
  session->values = calloc(all ? all : 1, sizeof *session->values);
  if (!session->values) return fail(error, "out of memory");
  for (size_t i = 0; i < all; i++) {
    int is_input = i < inputs;
    if (describe(table, allocator, session->session, is_input ? i : i - inputs,
                 is_input ? ort_session_input_name : ort_session_output_name,
                 is_input ? ort_session_input_type : ort_session_output_type, &session->values[i], error))
      return 1;
  }
  return 0;
}

// Libraries with CUDA export a function for it beside the table.
static int add_cuda(const tamis_ort *runtime, ort_object *options, int device, char *error) {
  typedef ort_status *(*append_cuda)(ort_object *, int);
  append_cuda append = (append_cuda)dlsym(runtime->library, "OrtSessionOptionsAppendExecutionProvider_CUDA");
  if (!append) return fail(error, "this ONNX Runtime %s was built without CUDA", runtime->base->version());
  return check(runtime->table, append(options, device), error);
}

int tamis_ort_session_create(tamis_ort *runtime, const char *path, int device, tamis_ort_session **session, char *error) {
  ort_table table = runtime->table;
  ort_object *options = NULL;
  const int all = 99;
  typedef ort_status *(*set_int)(ort_object *, int);
  tamis_ort_session *new = calloc(1, sizeof *new);
  if (!new) return fail(error, "out of memory");
  new->runtime = runtime;
  int failed =
      check(table, ORT_CALL(table, ort_create_session_options, ort_object **)(&options), error) ||
      check(table, ((set_int)table[ort_set_graph_optimization_level])(options, all), error) ||
      check(table, ((set_int)table[ort_set_intra_op_threads])(options, 1), error) ||
      check(table, ((set_int)table[ort_set_inter_op_threads])(options, 1), error) ||
      check(table, ORT_CALL(table, ort_add_session_config, ort_object *, const char *, const char *)(
                       options, "session.intra_op.allow_spinning", "0"), error) ||
      (device != TAMIS_ORT_CPU && add_cuda(runtime, options, device, error)) ||
      check(table, ORT_CALL(table, ort_create_session, const ort_object *, const char *, const ort_object *, ort_object **)(
                       runtime->environment, path, options, &new->session), error) ||
      describe_all(new, error);
  if (options) ORT_RELEASE(table, ort_release_session_options)(options);
  if (failed)
    tamis_ort_session_destroy(new);
  else
    *session = new;
  return failed;
}

void tamis_ort_session_destroy(tamis_ort_session *session) {
  if (session->session) ORT_RELEASE(session->runtime->table, ort_release_session)(session->session);
  free(session->values);
  free(session);
}

size_t tamis_ort_input_count(const tamis_ort_session *session) { return session->input_count; }
size_t tamis_ort_output_count(const tamis_ort_session *session) { return session->output_count; }

const tamis_ort_value *tamis_ort_input(const tamis_ort_session *session, size_t index) {
  return &session->values[index];
}

const tamis_ort_value *tamis_ort_output(const tamis_ort_session *session, size_t index) {
  return &session->values[session->input_count + index];
}

static int hand_on(ort_table table, ort_object *value, tamis_ort_receiver receive, void *context, char *error) {
  int is_tensor = 0;
  if (check(table, ORT_CALL(table, ort_is_tensor, const ort_object *, int *)(value, &is_tensor), error)) return 1;
  if (!is_tensor) return fail(error, "an output is not a tensor");
  ort_object *info = NULL;
  if (check(table, ORT_CALL(table, ort_tensor_type_and_shape, const ort_object *, ort_object **)(value, &info), error))
    return 1;
  int type = 0, rank = 0;
  int64_t dimensions[TAMIS_ORT_DIMENSIONS] = {0};
  size_t elements = 0;
  void *data = NULL;
  int failed = shape(table, info, &type, &rank, dimensions, error) ||
               check(table, ORT_CALL(table, ort_element_count, const ort_object *, size_t *)(info, &elements), error) ||
               check(table, ORT_CALL(table, ort_tensor_data, ort_object *, void **)(value, &data), error);
  ORT_RELEASE(table, ort_release_tensor_info)(info);
  if (failed) return 1;
  if (rank < 0) return fail(error, "an output has more than %d dimensions", TAMIS_ORT_DIMENSIONS);
  receive(context, type, rank, dimensions, data, elements);
  return 0;
}

int tamis_ort_run(const tamis_ort_session *session, const tamis_ort_tensor *inputs, size_t input_count,
                  const size_t *outputs, size_t output_count, tamis_ort_receiver receive, void *context,
                  char *error) {
  enum { most = 16 };
  ort_table table = session->runtime->table;
  if (input_count > most || output_count > most) return fail(error, "more than %d inputs or outputs", most);
  const char *input_names[most], *output_names[most];
  ort_object *values[most] = {0}, *results[most] = {0};
  int failed = 0;
  for (size_t i = 0; i < input_count && !failed; i++) {
    const tamis_ort_tensor *input = &inputs[i];
    input_names[i] = tamis_ort_input(session, input->input)->name;
    failed = check(table, ORT_CALL(table, ort_create_tensor_with_data, const ort_object *, void *, size_t, const int64_t *, size_t, int, ort_object **)(
                              session->runtime->cpu, input->data, input->bytes, input->dimensions,
                              (size_t)input->rank, input->type, &values[i]), error);
  }
  for (size_t i = 0; i < output_count; i++) output_names[i] = tamis_ort_output(session, outputs[i])->name;
  failed = failed ||
           check(table, ORT_CALL(table, ort_run, ort_object *, const ort_object *, const char *const *, const ort_object *const *, size_t,
                                 const char *const *, size_t, ort_object **)(
                            session->session, NULL, input_names, (const ort_object *const *)values, input_count,
                            output_names, output_count, results), error);
  for (size_t i = 0; i < output_count && !failed; i++) failed = hand_on(table, results[i], receive, context, error);
  for (size_t i = 0; i < output_count; i++)
    if (results[i]) ORT_RELEASE(table, ort_release_value)(results[i]);
  for (size_t i = 0; i < input_count; i++)
    if (values[i]) ORT_RELEASE(table, ort_release_value)(values[i]);
  return failed;
}
