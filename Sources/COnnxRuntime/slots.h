// Places in the table of ONNX Runtime's C ABI (version 17 and up, append-only) and the shapes of what stands there.
#ifndef TAMIS_ORT_SLOTS_H
#define TAMIS_ORT_SLOTS_H

#include <stddef.h>
#include <stdint.h>

typedef const void *const *ort_table;
typedef struct ort_base {
  ort_table (*get_api)(uint32_t version);
  const char *(*version)(void);
} ort_base;

// NULL means that a call worked.
typedef void ort_status;
// Handles whose inside is never looked at.
typedef void ort_object;

#define ORT_API_VERSION 17

enum ort_slot {
  ort_get_error_message = 2,
  ort_create_env = 3,
  ort_create_session = 7,
  ort_run = 9,
  ort_create_session_options = 10,
  ort_set_graph_optimization_level = 23,
  ort_set_intra_op_threads = 24,
  ort_set_inter_op_threads = 25,
  ort_session_input_count = 30,
  ort_session_output_count = 31,
  ort_session_input_type = 33,
  ort_session_output_type = 34,
  ort_session_input_name = 36,
  ort_session_output_name = 37,
  ort_create_tensor_with_data = 49,
  ort_is_tensor = 50,
  ort_tensor_data = 51,
  ort_cast_type_to_tensor = 55,
  ort_tensor_element_type = 60,
  ort_dimension_count = 61,
  ort_dimensions = 62,
  ort_element_count = 64,
  ort_tensor_type_and_shape = 65,
  ort_create_cpu_memory_info = 69,
  ort_allocator_free = 76,
  ort_default_allocator = 78,
  ort_release_env = 92,
  ort_release_status = 93,
  ort_release_memory_info = 94,
  ort_release_session = 95,
  ort_release_value = 96,
  ort_release_type_info = 98,
  ort_release_tensor_info = 99,
  ort_release_session_options = 100,
  ort_add_session_config = 130,
};

#define ORT_CALL(table, slot, ...) ((ort_status * (*)(__VA_ARGS__))(table)[slot])
#define ORT_RELEASE(table, slot) ((void (*)(ort_object *))(table)[slot])

#endif
