package layouts

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

//go:embed boot.cmd
var bootCmd string

// BootCmd is the board's boot script: boot.cmd behind what differs between boards. "mkimage -T script" makes boot.scr of it.
func (b Board) BootCmd() string {
	var s strings.Builder
	fmt.Fprintf(&s, "# %s. Written by mkimage layout %s -bootcmd.\n", b.Title, b.Name)
	for _, v := range [][2]string{
		{"kit_board", b.Name}, {"kit_if", b.Interface}, {"kit_dev", fmt.Sprint(b.Device)}, {"kit_kernel", b.Kernel}, {"kit_boot", b.Boot},
		{"kit_dtb", b.DTB}, {"kit_console", b.Console}, {"kit_extra", b.Extra}, {"kit_ecam", b.ECAM}, {"kit_root", b.Root},
	} {
		if v[1] == "" {
			fmt.Fprintf(&s, "setenv %s\n", v[0])
		} else {
			fmt.Fprintf(&s, "setenv %s '%s'\n", v[0], v[1])
		}
	}
	return s.String() + "\n" + bootCmd
}

// UBootBootCmd is U-Boot's bootcmd on a kit: the script of the disk inside and nothing else. A stick with a boot.scr of its own must not win, and
// a boot that fails starts again rather than ends at a prompt.
func (b Board) UBootBootCmd() string {
	scan := fmt.Sprintf("%s dev %d", b.Interface, b.Device)
	if b.Interface == "virtio" {
		scan = "pci enum; virtio scan; " + scan
	}
	return fmt.Sprintf("%s; load %s %d:1 ${scriptaddr} /boot.scr && source ${scriptaddr}; sleep 5; reset", scan, b.Interface, b.Device)
}

// ubootEnvSize is CONFIG_ENV_SIZE of U-Boot's qemu_arm64_defconfig and qemu_arm_defconfig.
const ubootEnvSize = 0x40000

// UBootEnv is the beginning of the second flash chip of QEMU's virt: an environment for Debian's U-Boot, which knows nothing of kits, that has
// UBootBootCmd and no prompt. defaults are the variables that U-Boot has built in and that the script needs, since an environment replaces all.
func (b Board) UBootEnv() []byte {
	vars := []string{
		"bootcmd=" + b.UBootBootCmd(), "bootdelay=-2", "fdt_addr=0x40000000", "fdt_high=0xffffffff", "initrd_high=0xffffffff",
		"kernel_addr_r=0x40400000", "loadaddr=0x40200000", "ramdisk_addr_r=0x44000000", "scriptaddr=0x40200000",
		"stderr=pl011@9000000", "stdin=pl011@9000000", "stdout=pl011@9000000",
	}
	env := make([]byte, ubootEnvSize)
	copy(env[4:], strings.Join(vars, "\x00"))
	binary.LittleEndian.PutUint32(env, crc32.ChecksumIEEE(env[4:]))
	return env
}
