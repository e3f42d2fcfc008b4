package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"longwire/images/layouts"
)

// collect reads the packages: what is picked goes into the root, libraries into a pool of their own.
func collect(ctx context.Context, debs []string) (root, pool tree, err error) {
	root, pool = tree{}, tree{}
	for _, deb := range debs {
		err := unpack(ctx, deb, func(name string, h *tar.Header, r io.Reader) error {
			var n node
			switch h.Typeflag {
			case tar.TypeSymlink:
				n = node{mode: fs.ModeSymlink | 0o777, link: h.Linkname}
			case tar.TypeReg:
				n = node{mode: fs.FileMode(h.Mode & 0o755)} // no set-uid program: nobody logs in
			case tar.TypeLink:
				old, ok := pool[merged(h.Linkname)]
				if !ok {
					old, ok = root[merged(h.Linkname)]
				}
				if !ok {
					return nil
				}
				n = old
			default:
				return nil
			}
			wanted := picked(name, programs) || pickedUnit(name)
			library := strings.HasPrefix(name, "usr/lib/") && strings.Contains(path.Base(name), ".so")
			if !wanted && !library {
				return nil
			}
			if h.Typeflag == tar.TypeReg {
				b, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				n.data = b
			}
			if wanted {
				root[name] = n
			} else {
				pool[name] = n
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for _, p := range programs {
		if strings.ContainsRune(p, '*') || optional[p] {
			continue
		}
		if _, ok := root[p]; !ok {
			return nil, nil, fmt.Errorf("none of the packages has /%s, which tools/mkimage/picks.go wants", p)
		}
	}
	return root, pool, addLibraries(root, pool)
}

// optional are programs that some releases of systemd do not have.
var optional = map[string]bool{"usr/lib/systemd/systemd-executor": true, "usr/lib/tmpfiles.d/systemd-resolve.conf": true, "usr/lib/tmpfiles.d/systemd-network.conf": true}

// readKernel unpacks a kernel's package.
func readKernel(ctx context.Context, deb string) (*kernel, error) {
	k := &kernel{modules: map[string]string{}, builtin: map[string]bool{}, all: tree{}}
	err := unpack(ctx, deb, func(name string, h *tar.Header, r io.Reader) error {
		if h.Typeflag != tar.TypeReg {
			return nil
		}
		image := strings.HasPrefix(name, "boot/vmlinuz-")
		module := strings.Contains(path.Base(name), ".ko")
		if !image && !module && !strings.HasPrefix(path.Base(name), "modules.") {
			return nil
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		switch {
		case image:
			k.image, k.version = b, strings.TrimPrefix(name, "boot/vmlinuz-")
		case module:
			k.modules[moduleName(name)] = name
			fallthrough
		default:
			k.all.file(name, 0o644, b)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if k.image == nil {
		return nil, fmt.Errorf("%s has no kernel", filepath.Base(deb))
	}
	for line := range strings.Lines(string(k.all["usr/lib/modules/"+k.version+"/modules.builtin"].data)) {
		k.builtin[moduleName(strings.TrimSpace(line))] = true
	}
	return k, nil
}

// install puts modules into a tree, with the lists that modprobe and the kernel's own requests need. It returns those that there are not.
func (k *kernel) install(ctx context.Context, t tree, work string, names []string) (missing []string, err error) {
	paths, missing, err := k.closure(names)
	if err != nil {
		return nil, err
	}
	base := "usr/lib/modules/" + k.version + "/"
	part := tree{}
	for _, p := range paths {
		part[p] = k.all[p]
	}
	for _, name := range []string{"modules.order", "modules.builtin", "modules.builtin.modinfo"} {
		if n, ok := k.all[base+name]; ok {
			part[base+name] = n
		}
	}
	if err := part.write(work, time.Unix(0, 0)); err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if err := os.Symlink("usr/lib", filepath.Join(work, "lib")); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "depmod", "-b", work, k.version).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("depmod: %w\n%s", err, out)
	}
	for _, name := range []string{"modules.dep.bin", "modules.alias.bin", "modules.symbols.bin", "modules.builtin.bin", "modules.builtin.alias.bin", "modules.softdep", "modules.dep"} {
		b, err := os.ReadFile(filepath.Join(work, base, name))
		if err != nil {
			return nil, err
		}
		part.file(base+name, 0o644, b)
	}
	for name, n := range part {
		t[name] = n
	}
	return missing, nil
}

// initScript finds the slot's root and goes there. Whatever fails ends PID 1, which makes the kernel panic and start the machine again, and
// the boot loader counts.
const initScript = `#!/bin/sh
export PATH=/bin
mount -t devtmpfs dev /dev && mount -t proc proc /proc && mount -t sysfs sys /sys || exit 1
for word in $(cat /proc/cmdline); do
	case "$word" in root=*) root=${word#root=} ;; esac
done
for m in $(cat /modules); do
	case "$m" in
	*/i6300esb.ko) insmod "$m" heartbeat=60 2>/dev/null ;;
	*/softdog.ko) [ -e /dev/watchdog0 ] || insmod "$m" soft_margin=60 2>/dev/null ;;
	*) insmod "$m" 2>/dev/null ;;
	esac
done
# Opened and not closed in the way that stops it, the watchdog runs until the init system takes it over.
[ ! -e /dev/watchdog0 ] || : >/dev/watchdog0
tries=0
until [ -b "$root" ]; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || { echo "kit: there is no $root"; exit 1; }
	sleep 0.1
done
mount -t ext4 -o ro "$root" /root || { echo "kit: $root cannot be mounted"; exit 1; }
for d in dev proc sys; do mount -o move /$d /root/$d; done
exec switch_root /root /sbin/init
`

// initramfs is the small system that mounts the slot: Debian's kernel has the disk's drivers as modules.
func (k *kernel) initramfs(busybox []byte, at time.Time) ([]byte, error) {
	t := tree{}
	paths, _, err := k.closure(earlyModules)
	if err != nil {
		return nil, err
	}
	var list strings.Builder
	for _, p := range paths {
		t[p] = k.all[p]
		fmt.Fprintf(&list, "/%s\n", p)
	}
	t.text("modules", list.String())
	t.file("init", 0o755, []byte(initScript))
	t.file("bin/busybox", 0o755, busybox)
	for _, applet := range words("sh mount cat insmod sleep switch_root") {
		t.link("bin/"+applet, "busybox")
	}
	for _, d := range words("dev proc sys root") {
		t.dir(d, 0o755)
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(t.cpio(z, at), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// users are the accounts of a system: Debian's programs want some by name, the kit's own come from the overlay.
func users(root tree) error {
	passwd := "root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
	group := "root:x:0:\nnogroup:x:65534:\n"
	// Numbers of Debian's base-passwd for the old groups.
	for _, g := range words("adm:4 tty:5 disk:6 lp:7 kmem:15 dialout:20 cdrom:24 tape:26 audio:29 video:44 sgx:990 kvm:991 render:992 input:993 systemd-journal:994 utmp:43") {
		name, id, _ := strings.Cut(g, ":")
		group += fmt.Sprintf("%s:x:%s:\n", name, id)
	}
	account := func(name, id, comment, home string) {
		passwd += fmt.Sprintf("%s:x:%s:%s:%s:%s:/usr/sbin/nologin\n", name, id, id, comment, home)
		group += fmt.Sprintf("%s:x:%s:\n", name, id)
	}
	account("systemd-network", "971", "systemd network management", "/")
	account("systemd-resolve", "972", "systemd resolver", "/")
	account("systemd-timesync", "973", "systemd time synchronisation", "/")
	list, err := layouts.Users()
	if err != nil {
		return err
	}
	for _, u := range list {
		account(u.Name, fmt.Sprint(u.ID), u.Comment, u.Home)
	}
	root.text("etc/passwd", passwd)
	root.text("etc/group", group)
	// No password at all: nothing here could ask for one.
	var shadow strings.Builder
	for line := range strings.Lines(passwd) {
		name, _, _ := strings.Cut(line, ":")
		fmt.Fprintf(&shadow, "%s:!*:::::::\n", name)
	}
	root.file("etc/shadow", 0o600, []byte(shadow.String()))
	return nil
}

// base are the files and folders that Debian's maintainer scripts would have made.
func base(root tree, version string) {
	root.text("etc/os-release", fmt.Sprintf("ID=longwire\nNAME=Longwire\nVERSION_ID=%q\nPRETTY_NAME=\"Longwire kit %s\"\nVARIANT=\"stand-in of Debian packages\"\n", version, version))
	root.text("etc/machine-id", "") // made anew at each start, in memory
	root.text("etc/hostname", "kit\n")
	root.text("etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n")
	root.text("etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n")
	root.link("etc/resolv.conf", "../run/systemd/resolve/resolv.conf")
	root.link("etc/mtab", "../proc/self/mounts")
	root.link("usr/sbin/init", "../lib/systemd/systemd")
	root.link("usr/sbin/modprobe", "../bin/kmod")
	root.link("usr/sbin/fsck.ext4", "e2fsck")
	root.link("usr/sbin/mkfs.ext4", "mke2fs")
	root.link("usr/sbin/fsck.vfat", "fsck.fat")
	for _, verb := range words("reboot poweroff halt shutdown") {
		root.link("usr/sbin/"+verb, "../bin/systemctl")
	}
	root.link("etc/systemd/system/default.target", "/usr/lib/systemd/system/multi-user.target")
	for _, top := range mergedTops {
		root.link(top, "usr/"+top)
	}
	for _, d := range words("dev proc sys run var data root boot mnt") {
		root.dir(d, 0o755)
	}
	root.dir("tmp", fs.ModeSticky|0o777)
}

// preset enables the units that the overlay's preset files name, as "systemctl preset-all" would: by the links that their [Install] sections
// ask for.
func preset(root tree) error {
	for _, file := range root.under("etc/systemd/system-preset") {
		for line := range strings.Lines(string(root[file].data)) {
			f := strings.Fields(line)
			if len(f) != 2 || f[0] != "enable" {
				continue
			}
			if err := enable(root, f[1], map[string]bool{}); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

func enable(root tree, unit string, seen map[string]bool) error {
	if seen[unit] {
		return nil
	}
	seen[unit] = true
	at := ""
	for _, dir := range []string{"etc/systemd/system/", "usr/lib/systemd/system/"} {
		if _, ok := root[dir+unit]; ok && at == "" {
			at = dir + unit
		}
	}
	if at == "" {
		return fmt.Errorf("there is no unit %s", unit)
	}
	install := false
	for line := range strings.Lines(string(root[at].data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			install = line == "[Install]"
		}
		key, value, _ := strings.Cut(line, "=")
		if !install {
			continue
		}
		for _, v := range words(value) {
			switch key {
			case "WantedBy":
				root.link("etc/systemd/system/"+v+".wants/"+unit, "/"+at)
			case "RequiredBy":
				root.link("etc/systemd/system/"+v+".requires/"+unit, "/"+at)
			case "Alias":
				root.link("etc/systemd/system/"+v, "/"+at)
			case "Also":
				if !picked(v, units) {
					continue
				}
				if err := enable(root, v, seen); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
