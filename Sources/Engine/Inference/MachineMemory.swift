#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How much memory this process may use.
public struct MachineMemory: Hashable, Sendable {
  /// All memory of the machine, or the limit of the control group when that is smaller, in bytes.
  public var total: Int
  /// What can be taken without pushing out other programs, in bytes. Pages of mapped files can always be read again, so
  /// the system counts them as available.
  public var available: Int

  /// Makes a value, for tests and planning.
  public init(total: Int, available: Int) {
    self.total = total
    self.available = available
  }

  /// The present machine.
  ///
  /// - Throws: `InferenceError.memory` when the system does not say.
  public static func current() throws(InferenceError) -> MachineMemory {
    #if os(Linux)
      guard let text = contents(of: "/proc/meminfo"),
        let total = field("MemTotal:", in: text), let available = field("MemAvailable:", in: text)
      else { throw .memory("/proc/meminfo does not say how much memory there is") }
      var memory = MachineMemory(total: total, available: available)
      memory.limit(by: controlGroup())
      return memory
    #else
      var total: UInt64 = 0
      var size = MemoryLayout<UInt64>.size
      guard sysctlbyname("hw.memsize", &total, &size, nil, 0) == 0 else {
        throw .memory("the system does not say how much memory there is (hw.memsize)")
      }
      var statistics = vm_statistics64()
      var count = mach_msg_type_number_t(
        MemoryLayout<vm_statistics64>.size / MemoryLayout<integer_t>.size)
      let result = withUnsafeMutablePointer(to: &statistics) { pointer in
        pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
          host_statistics64(mach_host_self(), HOST_VM_INFO64, $0, &count)
        }
      }
      guard result == KERN_SUCCESS else {
        throw .memory("the system does not say how much memory is free")
      }
      let pages =
        Int(statistics.free_count) + Int(statistics.inactive_count)
        + Int(statistics.purgeable_count)
      return MachineMemory(total: Int(total), available: pages * Int(getpagesize()))
    #endif
  }

  /// Lowers both figures to a control group's limit and to what is left of it.
  mutating func limit(by group: (limit: Int, used: Int)?) {
    guard let group, group.limit < total else { return }
    total = group.limit
    available = min(available, max(0, group.limit - group.used))
  }

  /// The value in bytes of a line such as `MemTotal:  24000 kB`.
  static func field(_ name: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      let parts = line.split(separator: " ", omittingEmptySubsequences: true)
      guard parts.count >= 2, let kibibytes = Int(parts[1]) else { return nil }
      let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1024)
      return overflow ? nil : bytes
    }
    return nil
  }

  #if os(Linux)
    /// The memory limit of the process's control group (version 2, then 1) and what is used of it, without the page cache
    /// that can be dropped.
    private static func controlGroup() -> (limit: Int, used: Int)? {
      let places = [
        (
          "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"
        ),
        (
          "/sys/fs/cgroup/memory/memory.limit_in_bytes",
          "/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat"
        ),
      ]
      for (limitPath, usedPath, statisticsPath) in places {
        guard let limit = contents(of: limitPath).flatMap(number),
          let used = contents(of: usedPath).flatMap(number)
        else { continue }
        var reclaimable = 0
        for line in (contents(of: statisticsPath) ?? "").split(separator: "\n") {
          let parts = line.split(separator: " ")
          if parts.count == 2, parts[0] == "inactive_file" || parts[0] == "active_file" {
            reclaimable += Int(parts[1]) ?? 0
          }
        }
        return (limit, max(0, used - reclaimable))
      }
      return nil
    }

    private static func number(_ text: String) -> Int? {
      Int(text.split(separator: "\n").first ?? "")
    }

    /// The first 64 KiB of a small file of the system; nil when it cannot be read.
    private static func contents(of path: String) -> String? {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
  #endif
}
