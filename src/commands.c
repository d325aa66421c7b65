/* The whole program's commands. */
#include "cmd/cmd.h"

const struct cmd *const commands[] = {
	&cmd_check,   &cmd_select, &cmd_show,      &cmd_apply,    &cmd_verify, &cmd_revert,
	&cmd_guard,   &cmd_kdump,  &cmd_last_boot, &cmd_status,   &cmd_top,    &cmd_predict,
	&cmd_explain, &cmd_image,  &cmd_keys,      &cmd_snapshot, NULL,
};
