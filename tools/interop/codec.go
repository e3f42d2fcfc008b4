package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"longwire/tools/rig"
)

// A machine is a kind of processor, and what runs its programs here.
type machine struct {
	name string
	env  []string
	run  []string
}

var machines = []machine{
	{"amd64", []string{"GOARCH=amd64"}, nil},
	{"arm64", []string{"GOARCH=arm64"}, []string{"qemu-aarch64"}},
	{"arm v7", []string{"GOARCH=arm", "GOARM=7"}, []string{"qemu-arm"}},
}

// codecs is the play of the stanza codec on other processors: its vectors must come out to the bit, and a message must not take a small board long.
func codecs(ctx context.Context, st *stage, tell func(result)) error {
	if st.Reference {
		return nil
	}
	dir, err := os.MkdirTemp(st.dir, "codec")
	if err != nil {
		return err
	}
	for i, m := range machines {
		bin := filepath.Join(dir, "codec-"+strconv.Itoa(i))
		if err := buildCodec(ctx, bin, m.env); err != nil {
			return err
		}
		out, err := under(ctx, m.run, bin, "vectors").CombinedOutput()
		n := strings.Count(string(out), "ok  ")
		tell(result{Name: fmt.Sprintf("the vectors of the stanza codec come out to the bit on %s", m.name), OK: err == nil && n > 0, Detail: fmt.Sprintf("%v\n%s", err, out)})
	}
	n, err := instructions(ctx, filepath.Join(dir, "codec-0"), filepath.Join(dir, "codec-2"), filepath.Join(dir, "lore.snapshot"))
	if err != nil {
		return err
	}
	// Choice: an in-order core of this kind, whose caches do not hold the tables, finishes an instruction in two cycles.
	ms := float64(n) * 2 / 1e6
	tell(result{Name: "a message takes a Cortex-A7 of 1 GHz at most 15 ms, by instructions of arm v7 counted under QEMU", OK: ms <= 15, Detail: fmt.Sprintf("%.1f ms", ms),
		Shown: fmt.Sprintf("%.2f million instructions to encode or decode a message of 40 characters, at two cycles each %.1f ms", float64(n)/1e6, ms)})
	return nil
}

func under(ctx context.Context, run []string, args ...string) *exec.Cmd {
	line := append(append([]string(nil), run...), args...)
	return exec.CommandContext(ctx, line[0], line[1:]...)
}

// buildCodec compiles tools/codec, with symbols.
func buildCodec(ctx context.Context, bin string, env []string) error {
	root, err := rig.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin, "./tools/codec")
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("interop: go build ./tools/codec: %w\n%s", err, out)
	}
	return nil
}

// instructions is how many a message takes arm v7 to encode, or to decode: what some messages more take more.
func instructions(ctx context.Context, native, arm, snapshot string) (int, error) {
	// What is learned at start is no part of a message, and takes QEMU long when it counts.
	if out, err := under(ctx, nil, native, "cost", "--count", "1", "--snapshot", snapshot).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("interop: codec cost: %w\n%s", err, out)
	}
	within, err := codecRange(ctx, arm)
	if err != nil {
		return 0, err
	}
	const few, many = 2, 6
	var counts []int
	for _, n := range []int{few, many} {
		k, err := steps(under(ctx, []string{"qemu-arm", "-singlestep", "-d", "exec,nochain", "-dfilter", within}, arm, "cost", "--count", strconv.Itoa(n), "--snapshot", snapshot))
		if err != nil {
			return 0, err
		}
		counts = append(counts, k)
	}
	return (counts[1] - counts[0]) / (many - few) / 2, nil
}

var symbol = regexp.MustCompile(`(?m)^ *([0-9a-f]+) [tT] longwire/links/codec`)

// codecRange is where the codec's code lies in a program.
func codecRange(ctx context.Context, bin string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "nm", "-n", bin).Output()
	if err != nil {
		return "", fmt.Errorf("interop: go tool nm: %w", err)
	}
	all := symbol.FindAllSubmatch(out, -1)
	if len(all) < 2 {
		return "", errors.New("interop: the codec's code is not in its program")
	}
	return fmt.Sprintf("0x%s..0x%s", all[0][1], all[len(all)-1][1]), nil
}

// steps counts the lines by which QEMU tells of each instruction.
func steps(cmd *exec.Cmd) (n int, err error) {
	trace, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewReaderSize(trace, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if bytes.HasPrefix(line, []byte("Trace ")) {
			n++
		}
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, err
		}
	}
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("interop: %s: %w", cmd.Path, err)
	}
	if n == 0 {
		return 0, errors.New("interop: QEMU told of no instruction")
	}
	return n, nil
}
