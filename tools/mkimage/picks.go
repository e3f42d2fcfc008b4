package main

import (
	"path"
	"strings"
)

// What the stand-in takes from Debian: packages, and of them only the files that a kit runs. Libraries come along as programs need them.

var packages = []string{
	"systemd", "libsystemd-shared", "udev", "systemd-resolved", "systemd-timesyncd",
	"kmod", "mount", "util-linux", "e2fsprogs", "dosfstools",
}

// libraries are packages that are only looked into for what programs need.
var libraries = []string{
	"libacl1", "libapparmor1", "libaudit1", "libblkid1", "libc6", "libcap-ng0", "libcap2", "libcom-err2", "libcrypt1", "libdbus-1-3",
	"libext2fs2", "libfdisk1", "libgcc-s1", "libgcrypt20", "libgpg-error0", "libidn2-0", "libip4tc2", "libkmod2", "liblz4-1", "liblzma5", "libmount1",
	"libpam0g", "libpcre2-8-0", "libseccomp2", "libselinux1", "libsmartcols1", "libss2", "libssl3", "libsystemd0", "libudev1", "libunistring2",
	"libuuid1", "libzstd1", "zlib1g",
}

// programs are patterns of files that are taken as they are.
var programs = words(`
	usr/bin/systemctl usr/bin/journalctl usr/bin/udevadm usr/bin/systemd-tmpfiles usr/bin/kmod usr/bin/mount usr/bin/umount
	usr/sbin/e2fsck usr/sbin/fsck usr/sbin/mke2fs usr/sbin/fsck.fat etc/mke2fs.conf
	usr/lib/systemd/systemd usr/lib/systemd/systemd-fsck usr/lib/systemd/systemd-journald usr/lib/systemd/systemd-modules-load
	usr/lib/systemd/systemd-networkd usr/lib/systemd/systemd-resolved usr/lib/systemd/systemd-shutdown usr/lib/systemd/systemd-sysctl
	usr/lib/systemd/systemd-timesyncd usr/lib/systemd/systemd-udevd usr/lib/systemd/systemd-executor
	usr/lib/systemd/systemd-growfs
	usr/lib/systemd/system-generators/systemd-fstab-generator
	usr/lib/udev/rules.d/50-* usr/lib/udev/rules.d/60-block.rules usr/lib/udev/rules.d/60-evdev.rules usr/lib/udev/rules.d/60-input-id.rules
	usr/lib/udev/rules.d/60-persistent-storage.rules usr/lib/udev/rules.d/60-serial.rules usr/lib/udev/rules.d/80-drivers.rules
	usr/lib/udev/rules.d/80-net-setup-link.rules usr/lib/udev/rules.d/75-net-description.rules usr/lib/udev/rules.d/99-systemd.rules
	usr/lib/systemd/network/99-default.link
	usr/lib/modprobe.d/*
	usr/lib/tmpfiles.d/journal-nocow.conf usr/lib/tmpfiles.d/static-nodes-permissions.conf usr/lib/tmpfiles.d/systemd.conf usr/lib/tmpfiles.d/tmp.conf
	usr/lib/tmpfiles.d/var.conf usr/lib/tmpfiles.d/systemd-resolve.conf usr/lib/tmpfiles.d/systemd-network.conf
	usr/lib/*/libnss_files.so.2 usr/lib/*/libnss_dns.so.2 usr/lib/ld-linux-* usr/lib/*/ld-linux-*
`)

// units are systemd's own ones that are there; links in .wants folders come with them.
var units = words(`
	basic.target default.target emergency.target final.target graphical.target halt.target kexec.target kmod-static-nodes.service
	local-fs-pre.target local-fs.target modprobe@.service multi-user.target network-online.target network-pre.target network.target nss-lookup.target
	nss-user-lookup.target paths.target poweroff.target reboot.target remote-fs-pre.target remote-fs.target rescue.target runlevel*.target shutdown.target
	slices.target sockets.target swap.target sysinit.target
	system-update-pre.target systemd-fsck-root.service systemd-fsck@.service systemd-growfs@.service systemd-halt.service
	systemd-journald-dev-log.socket systemd-journald.service systemd-journald.socket systemd-modules-load.service systemd-networkd.service
	systemd-networkd.socket systemd-poweroff.service systemd-reboot.service
	systemd-resolved.service systemd-sysctl.service systemd-timesyncd.service systemd-tmpfiles-clean.service systemd-tmpfiles-clean.timer
	systemd-tmpfiles-setup-dev.service systemd-tmpfiles-setup.service systemd-udev-trigger.service systemd-udevd-control.socket
	systemd-udevd-kernel.socket systemd-udevd.service time-set.target time-sync.target timers.target umount.target
`)

// modules of the kernel, beside what they need themselves.
var (
	// In the initramfs: what finds the root, and the watchdog, which must not wait.
	earlyModules = words("autofs4 virtio_pci virtio_mmio virtio_blk ext4 crc32c_generic i6300esb softdog")
	// In the slot: networks, the firewall, sticks, the button, serial lines, vsock.
	lateModules = words(`virtio_net virtio_console virtio_rng vfat nls_cp437 nls_ascii nls_utf8 nls_iso8859-1 xhci_pci ehci_pci usb_storage uas sd_mod
		ftdi_sio pl2303 cp210x ch341 cdc_acm usbhid hid_generic evdev vsock vmw_vsock_virtio_transport vsock_loopback
		nf_tables nft_ct nft_log nft_limit nft_reject nft_reject_inet nft_reject_ipv4 nft_reject_ipv6 nf_conntrack nf_reject_ipv4 nf_reject_ipv6
		nf_log_syslog gpio_pl061 rtc_pl031 rtc_ds1307 gpio_keys leds_gpio`)
)

func words(s string) []string { return strings.Fields(s) }

func picked(name string, patterns []string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, name); ok {
			return true
		}
	}
	return false
}

// pickedUnit tells whether a path is one of the units, or a link to one in the folder of one.
func pickedUnit(name string) bool {
	rest, ok := strings.CutPrefix(name, "usr/lib/systemd/system/")
	if !ok {
		return false
	}
	folder, unit, found := strings.Cut(rest, "/")
	if !found {
		return picked(rest, units)
	}
	owner, ok := strings.CutSuffix(folder, ".wants")
	return ok && picked(owner, units) && picked(unit, units)
}
