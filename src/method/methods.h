/* methods.h - every way to make a model, one line each: GR_METHOD(name) for gr__method_name in name.c. */
GR_METHOD(train)
GR_METHOD(ablate)
GR_METHOD(sidecar)
GR_METHOD(repair)
GR_METHOD(finetune)
GR_METHOD(given)
