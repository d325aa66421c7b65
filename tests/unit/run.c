/* base/run.h: a function in a child that is not believed. */
#include "base/run.h"

#include <signal.h>

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
	return pause();
}

static void apart(void)
{
	int seconds;

	CHECK(run_apart(give, &(int){ 100 }) == 100);
	CHECK(run_apart(give, &(int){ 101 }) == -EBADMSG);
	CHECK(run_apart(crash, NULL) == -EBADMSG);
	seconds = run_apart(seconds_to_wait, NULL);
	CHECK(seconds > 0 && seconds <= 10);
	signal(SIGALRM, SIG_IGN); /* as nohup(1) leaves others to their children */
	CHECK(run_apart(wait_too_long, NULL) == -EBADMSG);
}

static void in_child(void)
{
	CHECK(run_in_child(give, &(int){ 100 }) == 100);
	CHECK(run_in_child(give, &(int){ 101 }) == -EBADMSG);
	CHECK(run_in_child(crash, NULL) == -EBADMSG);
}

UNIT_MAIN({ "what a function gives, if it comes back", apart },
	  { "the same without limits", in_child })
