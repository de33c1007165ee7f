/* data_actions.h - the actions of `gradroute data`; argv[0] is "gradroute data NAME", the result an exit status. */
#ifndef GR_CLI_DATA_ACTIONS_H
#define GR_CLI_DATA_ACTIONS_H

int gr__data_show(int argc, char **argv);
int gr__data_tokenizer(int argc, char **argv);
int gr__data_encode(int argc, char **argv);
int gr__data_fetch(int argc, char **argv);
int gr__data_pack(int argc, char **argv);

#endif
