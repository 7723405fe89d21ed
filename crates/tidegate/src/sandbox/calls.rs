//! Calls of the system that the daemon never makes, refused by a filter (seccomp(2)).
//!
//! The filter names what is refused, not what is allowed: a libc that learns a new call for an old
//! purpose must not cost anybody mail. What is refused is what takes a process over or leaves it:
//! programs, other processes, file systems, modules, clocks, users, name spaces, and machine code
//! that was not in the program.
//!
//! Invariant: a refused call is an error (EPERM) to its caller. Only calls by the convention of another
//! architecture end the process.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, sock_filter,
};

/// Refused whatever they are asked.
#[rustfmt::skip]
const NEVER: &[libc::c_long] = &[
    // Programs, and other processes.
    libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev, libc::SYS_pidfd_getfd, libc::SYS_kcmp, libc::SYS_memfd_create,
    // File systems, and files by other ways than their names.
    libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_move_mount,
    libc::SYS_open_tree, libc::SYS_fsopen, libc::SYS_fsconfig, libc::SYS_fsmount, libc::SYS_fspick,
    libc::SYS_mount_setattr, libc::SYS_swapon, libc::SYS_swapoff, libc::SYS_quotactl,
    libc::SYS_name_to_handle_at, libc::SYS_open_by_handle_at, libc::SYS_fanotify_init,
    libc::SYS_mknodat, libc::SYS_fchown, libc::SYS_fchownat,
    // The kernel, and ways into it that few use.
    libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module, libc::SYS_kexec_load,
    libc::SYS_reboot, libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_syslog,
    libc::SYS_acct, libc::SYS_personality, libc::SYS_vhangup, libc::SYS_lookup_dcookie,
    // Keys, clocks and names of the machine.
    libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key, libc::SYS_settimeofday,
    libc::SYS_clock_settime, libc::SYS_clock_adjtime, libc::SYS_adjtimex, libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // Users, rights and name spaces.
    libc::SYS_setuid, libc::SYS_setgid, libc::SYS_setreuid, libc::SYS_setregid, libc::SYS_setresuid,
    libc::SYS_setresgid, libc::SYS_setgroups, libc::SYS_setfsuid, libc::SYS_setfsgid,
    libc::SYS_capset, libc::SYS_unshare, libc::SYS_setns,
];

/// The same, on machines that have them.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const NEVER_HERE: &[libc::c_long] = &[
    libc::SYS_chown, libc::SYS_lchown, libc::SYS_mknod, libc::SYS_iopl, libc::SYS_ioperm,
    libc::SYS_modify_ldt, libc::SYS_uselib, libc::SYS_kexec_file_load, libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const NEVER_HERE: &[libc::c_long] = &[];

/// Kinds of sockets that there may be: mail and DNS, neighbours on the machine, and what the libc asks
/// the kernel of addresses.
const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Holds this process to it.
///
/// # Errors
/// Why it can't be, in words.
pub(super) fn refuse() -> Result<&'static str, String> {
    let told = |error: seccompiler::Error| format!("calls: {error}");
    let filter = filter().map_err(|error| format!("calls: {error}"))?;
    seccompiler::apply_filter(&filter).map_err(told)?;
    if cfg!(target_arch = "x86_64") {
        seccompiler::apply_filter(&no_second_numbers()).map_err(told)?;
    }
    Ok("held")
}

fn filter() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        NEVER.iter().chain(NEVER_HERE).map(|call| (*call, Vec::new())).collect();
    let others = FAMILIES.iter().map(|family| when(0, SeccompCmpOp::Ne, *family));
    let other_family = SeccompRule::new(others.collect::<Result<_, _>>()?)?;
    rules.insert(libc::SYS_socket, vec![other_family.clone()]);
    rules.insert(libc::SYS_socketpair, vec![other_family]);
    // Memory that can be written is never run.
    let both = libc::PROT_WRITE | libc::PROT_EXEC;
    let all_of = |bits: libc::c_int| SeccompCmpOp::MaskedEq(u64::from(bits.unsigned_abs()));
    let written = SeccompRule::new(vec![when(2, all_of(both), both)?])?;
    rules.insert(libc::SYS_mmap, vec![written]);
    let run = SeccompRule::new(vec![when(2, all_of(libc::PROT_EXEC), libc::PROT_EXEC)?])?;
    rules.insert(libc::SYS_mprotect, vec![run.clone()]);
    rules.insert(libc::SYS_pkey_mprotect, vec![run]);
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let machine = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refused, machine)?.try_into()
}

fn when(
    argument: u8,
    is: SeccompCmpOp,
    value: libc::c_int,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, u64::from(value.unsigned_abs()))
}

/// The x32 convention has numbers of its own, from this bit on, for the calls that are refused.
fn no_second_numbers() -> [sock_filter; 4] {
    const X32: u32 = 0x4000_0000;
    let step = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
    [
        // The number of the call, which stands first in what a filter sees.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, refused),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_refuses_programs_and_lets_the_daemon_work() {
        // In a thread of its own, which alone is held to it.
        let tried = std::thread::spawn(|| {
            refuse().unwrap();
            let program = std::process::Command::new("/bin/true").status();
            assert_eq!(program.unwrap_err().raw_os_error(), Some(libc::EPERM));
            let unshared = nix::unistd::chown("/", None, None).unwrap_err();
            assert_eq!(unshared, nix::errno::Errno::EPERM);
            std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            std::thread::spawn(|| vec![1; 1 << 20].len()).join().unwrap()
        });
        assert_eq!(tried.join().unwrap(), 1 << 20);
    }
}
