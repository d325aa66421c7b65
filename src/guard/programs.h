/* The protected programs as files: marked at the gate, and found again when they are replaced. */
#pragma once

#include "base/machine.h"
#include "guard/gate.h"
#include "guard/rule.h"

struct programs {
	const struct machine *machine;
	struct rules *rules;
	struct gate *gate; /* may be closed */
	int watch;         /* of watch_open(); negative: nothing is watched */
	bool marks; /* for the rule that is being looked up: arguments show after the exec only */
	bool stale; /* a script has begun: its interpreter may be another file by now */
	int unsure; /* -errno: something could not be looked at; what was known of it holds, until
		       the next time */
};

/* Looks every rule's program up, marks it and watches the directories on the way. Says what cannot
 * be found, once. Whether one is another file than before. */
bool programs_resolve(struct programs *ps);

/* Whether a rule's program is that file, as far as was looked up. */
bool programs_has(const struct programs *ps, const struct file_id *program);

/* That file is about to be executed: looks up what has to be, now or by programs_refresh(). Whether
 * it is a rule's program. */
bool programs_expect(struct programs *ps, const struct file_id *program);
void programs_refresh(struct programs *ps);

/* Reads what the watch has seen, and looks the programs up again. Whether one is another file. */
bool programs_follow(struct programs *ps);
