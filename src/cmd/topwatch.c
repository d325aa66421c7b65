#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "base/text.h"
#include "cmd/toptable.h"

#define INTERVAL_MS 2000
#define CTRL_C 3

#define ENTER_SCREEN "\033[?1049h\033[?25l"
#define LEAVE_SCREEN "\033[?25h\033[?1049l"

/* Keys come at once and unseen; the signals that would leave the terminal like that are read. */
struct screen {
	struct termios before;
	sigset_t mask;
	int signal_fd;
};

static int screen_enter(struct screen *s)
{
	struct termios raw;
	sigset_t signals;

	if (tcgetattr(STDIN_FILENO, &s->before) < 0)
		return -errno;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &signals, &s->mask) < 0)
		return -errno;
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return -errno;
	raw = s->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return -errno;
	fputs(ENTER_SCREEN, stdout);
	return 0;
}

static void screen_leave(struct screen *s)
{
	fputs(LEAVE_SCREEN, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/* One picture, written at once and over the one before: nothing flickers. */
static int draw(struct top *t)
{
	char *text = NULL;
	size_t size = 0, lines;
	struct term real = term_of(stdout);
	int ret;

	lines = real.rows ? real.rows : 24;
	ret = top_read(t, t->lines && t->lines < lines ? t->lines : lines);
	if (ret < 0)
		return ret;
	t->term = real;
	t->term.out = open_memstream(&text, &size);
	if (!t->term.out)
		return -ENOMEM;
	fputs("\033[H", t->term.out);
	top_print(t, top_rows(t, lines), "\033[K\r\n");
	ret = memstream_end(t->term.out, &text);
	/* Without the last line's end, which would scroll. */
	if (ret >= 0)
		fwrite(text, 1, size - 2, stdout);
	fputs("\033[J", stdout);
	free(text);
	return ret < 0 ? ret : fflush(stdout) == 0 ? 0 : -errno;
}

/* Whether to go on. */
static bool take_key(struct top *t)
{
	enum top_sort sort;
	char key;

	if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == CTRL_C)
		return false;
	sort = top_sort_of_key(key);
	if (sort != N_SORTS)
		t->sort = sort;
	return true;
}

static bool take_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGWINCH;
}

int top_watch(struct top *t)
{
	struct screen screen = { .signal_fd = -1 };
	bool on = true;
	int ret = screen_enter(&screen);

	if (ret < 0)
		return ret;
	while (ret >= 0 && on) {
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = screen.signal_fd, .events = POLLIN },
		};

		ret = draw(t);
		if (ret < 0 || poll(fds, ARRAY_SIZE(fds), INTERVAL_MS) <= 0)
			continue;
		if (fds[1].revents)
			on = take_signal(screen.signal_fd);
		else if (fds[0].revents)
			on = take_key(t);
	}
	screen_leave(&screen);
	return ret;
}
