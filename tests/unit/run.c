/* base/run.h: a function in a child that is not believed. */
#include "base/run.h"

#include <signal.h>
#include <time.h>

#include "unit.h"

static int give(void *data)
{
	return *(int *)data;
}

static int crash(void *data)
{
	(void)data;
	return raise(SIGKILL);
}

static int seconds_to_wait(void *data)
{
	(void)data;
	return (int)alarm(0);
}

static int wait_too_long(void *data)
{
	(void)data;
	alarm(1); /* sooner than it would be */
	sleep(10);
	return 0;
}

static int work_too_long(void *data)
{
	(void)data;
	while (clock() < 5 * CLOCKS_PER_SEC)
		;
	return 0;
}

static void apart(void)
{
	int seconds;

	CHECK(run_apart(give, &(int){ 100 }) == 100);
	CHECK(run_apart(give, &(int){ 101 }) == -EBADMSG);
	CHECK(run_apart(crash, NULL) == -EBADMSG);
	seconds = run_apart(seconds_to_wait, NULL);
	CHECK(seconds > 0 && seconds <= 10);
}

/* As nohup(1) leaves one ignored. */
static void inherited(void)
{
	sigset_t alarm_only;

	signal(SIGALRM, SIG_IGN);
	CHECK(run_apart(wait_too_long, NULL) == -EBADMSG);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	CHECK(sigprocmask(SIG_BLOCK, &alarm_only, NULL) == 0);
	CHECK(run_apart(wait_too_long, NULL) == -EBADMSG);
	signal(SIGXCPU, SIG_IGN);
	CHECK(run_apart(work_too_long, NULL) == -EBADMSG);
}

static void in_child(void)
{
	CHECK(run_in_child(give, &(int){ 100 }) == 100);
	CHECK(run_in_child(give, &(int){ 101 }) == -EBADMSG);
	CHECK(run_in_child(crash, NULL) == -EBADMSG);
}

UNIT_MAIN({ "what a function gives, if it comes back", apart },
	  { "the limits hold whatever signals are ignored or blocked", inherited },
	  { "the same without limits", in_child })
