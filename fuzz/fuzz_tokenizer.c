/* A tokenizer.json, or any other vocabulary that is one file, from anywhere: it is refused with a reason, or encodes
 * and decodes any bytes as it promises. */
#include "tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    gr_status status = gr_tokenizer_parse(&tok, (const char *)data, size, "fuzz", &err);
    gr_fuzz_tokenizer(status, tok, &err, (const char *)data, size);
    return 0;
}
