package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"longwire/images/layouts"
)

// kconfig is what a board asks of the configuration of Linux or U-Boot, beside a source tree of it.
type kconfig struct {
	what, tree string
	defconfig  string   // of the tree, or "": the first file stands for it
	files      []string // ours
	arch       string
	cross      string
}

func (c check) kconfigs(t *tree, b layouts.Board, config string) (ks []kconfig) {
	arch, cross := "arm64", "aarch64-linux-gnu-"
	if b.GOARCH == "arm" {
		arch, cross = "arm", "arm-linux-gnueabihf-"
	}
	if c.linux != "" {
		ks = append(ks, kconfig{what: "linux", tree: c.linux, files: t.kernelFiles(config), arch: arch, cross: cross})
	}
	if c.uboot != "" {
		ks = append(ks, kconfig{what: "uboot", tree: c.uboot, files: t.ubootFiles(config), arch: arch, cross: cross,
			defconfig: value(config, "BR2_TARGET_UBOOT_BOARD_DEFCONFIG") + "_defconfig"})
	}
	return ks
}

func (t *tree) kernelFiles(config string) []string {
	return t.expand(value(config, "BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE") + " " + value(config, "BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES"))
}

func (t *tree) ubootFiles(config string) []string {
	return t.expand(value(config, "BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES"))
}

func (t *tree) expand(words string) []string {
	return strings.Fields(strings.ReplaceAll(words, "$(BR2_EXTERNAL_LONGWIRE_PATH)", t.external))
}

// resolve merges the files as Buildroot does and tells what does not come out as it was asked for.
func (k kconfig) resolve(ctx context.Context, dir string) (symbols int, lost []string, err error) {
	tree, err := filepath.Abs(k.tree)
	if err != nil {
		return 0, nil, err
	}
	out := filepath.Join(dir, k.what)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, nil, err
	}
	run := func(dir, name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ARCH="+k.arch, "MAKEFLAGS=")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s in %s: %w (Debian: apt-get install bison flex gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf)\n%s", name, k.tree, err, tail(string(text)))
		}
		return nil
	}
	kmake := func(target string) error {
		return run(tree, "make", "-s", "O="+out, "ARCH="+k.arch, "CROSS_COMPILE="+k.cross, target)
	}
	base, rest := filepath.Join(out, ".config"), k.files
	if k.defconfig != "" {
		if err := kmake(k.defconfig); err != nil {
			return 0, nil, err
		}
	} else {
		base, rest = k.files[0], k.files[1:]
	}
	if err := run(out, filepath.Join(tree, "scripts", "kconfig", "merge_config.sh"), append([]string{"-m", "-O", out, base}, rest...)...); err != nil {
		return 0, nil, err
	}
	if err := kmake("olddefconfig"); err != nil {
		return 0, nil, err
	}
	for _, f := range k.files {
		symbols += len(wanted(readAll(f)))
		lost = append(lost, missing(f, readAll(filepath.Join(out, ".config")))...)
	}
	return symbols, lost, nil
}
