/* Kinds of data and network that the library knows, in the order in which a recipe that names none is asked whether it
 * is one of them. A new one: a file here with const gr_task gr__task_NAME, and a line. */
GR_TASK(samples)
GR_TASK(text)
