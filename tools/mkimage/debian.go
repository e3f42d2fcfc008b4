package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// suite is the Debian release that the stand-in is made of. The lists of packages and files in picks.go are true for this one.
const suite = "bookworm"

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// A debian is a private place of apt for one architecture: nothing of this machine's own packages is read or changed, and no root is needed.
type debian struct {
	arch   string // Debian's name
	dir    string
	mirror string
	log    io.Writer
}

func newDebian(cache, arch, mirror string, log io.Writer) (*debian, error) {
	dir, err := filepath.Abs(filepath.Join(cache, suite+"-"+arch))
	if err != nil {
		return nil, err
	}
	d := &debian{arch: arch, dir: dir, mirror: strings.TrimSuffix(mirror, "/"), log: log}
	for _, sub := range []string{"lists/partial", "archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	source := "deb [signed-by=" + keyring + "] "
	for name, text := range map[string]string{
		"status": "",
		"sources.list": source + d.mirror + "/debian " + suite + " main\n" + source + d.mirror + "/debian " + suite + "-updates main\n" +
			source + d.mirror + "/debian-security " + suite + "-security main\n",
		"apt.conf": fmt.Sprintf(`APT::Architecture %q;
APT::Architectures { %q; };
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State %q;
Dir::State::lists "lists";
Dir::State::status %q;
Dir::Cache %q;
Dir::Etc::sourcelist %q;
Dir::Etc::sourceparts "/dev/null";
`, arch, arch, dir, filepath.Join(dir, "status"), dir, filepath.Join(dir, "sources.list")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *debian) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(d.dir, "apt.conf"), "LC_ALL=C")
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, faults.String())
	}
	return string(out), nil
}

func (d *debian) update(ctx context.Context) error {
	if _, err := os.Stat(keyring); err != nil {
		return fmt.Errorf("%s is missing: Debian's keys (apt-get install debian-archive-keyring)", keyring)
	}
	fmt.Fprintf(d.log, "  reading %s's list of packages for %s\n", d.mirror, d.arch)
	_, err := d.run(ctx, d.dir, "apt-get", "update", "-q")
	if err == nil || ctx.Err() != nil {
		return err
	}
	// A mirror in the middle of its own update lacks one list or the other for a while. The rest is enough as a rule; if it is not, a package is
	// missed later on.
	if _, err = d.run(ctx, d.dir, "apt-get", "update", "-q"); err != nil && d.knows() {
		fmt.Fprintf(d.log, "  going on without a list that the mirror does not have in full: %s\n", firstFault(err))
		return nil
	}
	return err
}

// firstFault is apt's first complaint.
func firstFault(err error) string {
	for line := range strings.Lines(err.Error()) {
		if text, ok := strings.CutPrefix(line, "E: "); ok {
			return strings.TrimSpace(text)
		}
	}
	return err.Error()
}

// knows tells whether a list of packages was read before.
func (d *debian) knows() bool {
	found, err := filepath.Glob(filepath.Join(d.dir, "lists", "*_Packages*"))
	return err == nil && len(found) > 0
}

// know makes sure of the list of packages.
func (d *debian) know(ctx context.Context, fresh bool) error {
	if !fresh && d.knows() {
		return nil
	}
	return d.update(ctx)
}

// fetch makes sure of the packages and returns their files. What was fetched before is not fetched again, and a list of packages that turns out
// to be too old is read anew.
func (d *debian) fetch(ctx context.Context, packages ...string) ([]string, error) {
	files, err := d.download(ctx, packages)
	if err != nil && ctx.Err() == nil {
		if err2 := d.update(ctx); err2 != nil {
			return nil, errors.Join(err, err2)
		}
		files, err = d.download(ctx, packages)
	}
	return files, err
}

func (d *debian) download(ctx context.Context, packages []string) ([]string, error) {
	debs := filepath.Join(d.dir, "debs")
	// In a folder that has none of them, since apt does not tell of what lies there.
	uris, err := d.run(ctx, d.dir, "apt-get", append([]string{"download", "--print-uris", "-q"}, packages...)...)
	if err != nil {
		return nil, err
	}
	var files, missing []string
	var size int64
	for line := range strings.Lines(uris) {
		var uri, file, sum string
		var bytes int64
		if n, _ := fmt.Sscan(line, &uri, &file, &bytes, &sum); n < 3 {
			continue
		}
		file = filepath.Join(debs, path.Base(file))
		files = append(files, file)
		if st, err := os.Stat(file); err != nil || st.Size() != bytes {
			// apt checks the hash of what it fetches; what lies there already in full was fetched by it.
			missing = append(missing, strings.SplitN(path.Base(file), "_", 2)[0])
			size += bytes
		}
	}
	if len(files) == 0 {
		return nil, errors.New("apt-get knows none of the packages")
	}
	if len(missing) > 0 {
		fmt.Fprintf(d.log, "  fetching %d packages, %s\n", len(missing), megabytes(size))
		if _, err := d.run(ctx, debs, "apt-get", append([]string{"download", "-q"}, missing...)...); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// dependency is what a package that only depends on one stands for: linux-image-arm64 for the kernel of today.
func (d *debian) dependency(ctx context.Context, meta string) (string, error) {
	out, err := d.run(ctx, d.dir, "apt-cache", "depends", meta)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s depends on nothing", meta)
}

// unpack reads a package and hands its files over, with names such as "usr/bin/kmod": / and /usr are one here.
func unpack(ctx context.Context, deb string, take func(name string, h *tar.Header, r io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = func() error {
		for t := tar.NewReader(out); ; {
			h, err := t.Next()
			if err == io.EOF {
				_, err := io.Copy(io.Discard, out)
				return err
			}
			if err != nil {
				return err
			}
			if err := take(merged(h.Name), h, t); err != nil {
				return err
			}
		}
	}()
	if err != nil {
		cancel()
		cmd.Wait()
		return fmt.Errorf("%s: %w", filepath.Base(deb), err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(deb), err, faults.String())
	}
	return nil
}

// merged is where a path of a package lies in a system in which /bin, /lib and /sbin are links into /usr.
func merged(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	for _, top := range mergedTops {
		if name == top || strings.HasPrefix(name, top+"/") {
			return "usr/" + name
		}
	}
	return name
}

var mergedTops = []string{"bin", "lib", "sbin"}
