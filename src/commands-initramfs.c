/* What an initramfs needs: no building of images, no documents, nothing to look at at leisure. */
#include "cmd/cmd.h"

const struct cmd *const commands[] = {
	&cmd_select_one, &cmd_show,  &cmd_apply,  &cmd_verify, &cmd_revert,
	&cmd_guard,      &cmd_kdump, &cmd_status, NULL,
};
