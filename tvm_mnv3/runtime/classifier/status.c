/* status.c - a sentence for every status code: what was wrong, and what to do. */
#include "../classifier.h"

const char *tvm_mnv3_status_text(int32_t status) {
  switch (status) {
    case TVM_MNV3_OK:
      return "Done.";
    case TVM_MNV3_NULL_POINTER:
      return "A pointer that is needed is null; give it the address of what is asked for.";
    case TVM_MNV3_MISALIGNED_CONTEXT:
      return "The context is not aligned; take its memory with an alignment of 64 bytes.";
    case TVM_MNV3_BAD_ARGUMENTS:
      return "The tensors are not the model's; compare number, shape and dtype with its header.";
    case TVM_MNV3_WRONG_VERSION:
      return "The model's library is of another version than the classifier; take both from one bundle or package.";
    case TVM_MNV3_NO_CLASSIFIER:
      return "The model is no classifier of one picture at a time; call its run function with tensors instead.";
    case TVM_MNV3_NO_PICTURE:
      return "The model does not say how a picture becomes its input; compile it with --normalize, as it was trained.";
    case TVM_MNV3_BAD_STRUCT:
      return "A struct has an unknown struct_size; set it to sizeof of the struct.";
    case TVM_MNV3_BAD_OPTION:
      return "An option is out of range: threads 0 to 64, cores 0 to 2, max_short_side 0 to 65535 or what the model allows.";
    case TVM_MNV3_BAD_LABELS:
      return "The labels are not one line for each class of the model; the file is cut off or belongs to another model.";
    case TVM_MNV3_OUT_OF_MEMORY:
      return "There is not enough memory for the classifier; free some.";
    case TVM_MNV3_NO_THREADS:
      return "The system does not let so many threads start; ask for fewer.";
    case TVM_MNV3_UNKNOWN_FORMAT:
      return "The pixel format is unknown; use RGB, BGR, RGBA, BGRA or NV21.";
    case TVM_MNV3_BAD_SIZE:
      return "The picture's width and height must be at least 1.";
    case TVM_MNV3_SHORT_STRIDE:
      return "The stride is shorter than a row of pixels; give bytes from row to row, or 0.";
    case TVM_MNV3_SHORT_BUFFER:
      return "The buffer is smaller than the picture; check width, height, stride and format.";
    case TVM_MNV3_TOO_LARGE:
      return "The picture's short side is above max_short_side; raise that option, or scale down.";
    case TVM_MNV3_BAD_COUNT:
      return "Ask for at least one result.";
    default: return "Unknown status code.";
  }
}
