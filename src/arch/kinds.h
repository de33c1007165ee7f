/* kinds.h - every architecture, one line each: GR_ARCH(name) for gr__arch_name, which name.c defines (the transformer's
 * is in transformer_blueprint.c). The place of a line is the number of its kind, so new ones come last; files hold the
 * name.
 */
GR_ARCH(transformer)
GR_ARCH(mlp)
