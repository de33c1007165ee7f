/* styles.h - every style of networks, one line each: GR_STYLE(name, architecture) for name() in style.c. Recipes
 * know a style by its name, and hints list them in this order. */
GR_STYLE(llama, transformer)
GR_STYLE(gpt2, transformer)
GR_STYLE(gptneo, transformer)
GR_STYLE(nanogpt, transformer)
GR_STYLE(qwen2, transformer)
