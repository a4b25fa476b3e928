/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_cli - what the runtime API tells about the start of a generation.
 */
#include <agent/agent.h>
#include <cli/cli.h>

static enum cli_done
show_startup_logs(struct cli_ctx *x)
{
	if (agent_facts.startup_log != NULL)
		text_addz(x->out, agent_facts.startup_log);
	return (CLI_DONE);
}

CLI_COMMAND(show_startup_logs) = {
	.name = "show startup-logs", .args = "", .level = PX_LEVEL_OPERATOR,
	.run = show_startup_logs,
	.doc = "messages printed while this generation was started",
};
