package device

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// tcpListen is TCP_LISTEN of linux/net/tcp_states.h.
const tcpListen = "0A"

// listening are the TCP ports of this machine that somebody listens on.
func listening() (map[int]bool, error) {
	ports := map[int]bool{}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(name)
		if os.IsNotExist(err) {
			continue // a machine without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("device: %w", err)
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			// linux/Documentation/networking/proc_net_tcp: slot, local address, remote address, state, …
			fields := strings.Fields(lines.Text())
			if len(fields) < 4 || fields[3] != tcpListen {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
				ports[int(port)] = true
			}
		}
		err = lines.Err()
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("device: %s: %w", name, err)
		}
	}
	return ports, nil
}

// portOf is the port of an address to listen on; 0: the system chooses one.
func portOf(addr string) int {
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return port
}
