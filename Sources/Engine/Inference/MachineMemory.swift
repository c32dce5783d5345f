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
      for group in controlGroups() { memory.limit(by: group) }
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
  mutating func limit(by group: (limit: Int, used: Int)) {
    guard group.limit < total else { return }
    total = group.limit
    available = min(available, max(0, group.limit - group.used))
  }

  /// The directories of the control groups a process belongs to, its own first, then those around it.
  ///
  /// - Parameter text: the content of `/proc/self/cgroup`: lines of `number:controllers:path` (cgroups(7)).
  package static func groupDirectories(_ text: String) -> [String] {
    var directories: [String] = []
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let root: String
      if parts[1].isEmpty {
        root = "/sys/fs/cgroup"
      } else if parts[1].split(separator: ",").contains("memory") {
        root = "/sys/fs/cgroup/memory"
      } else {
        continue
      }
      var names = parts[2].split(separator: "/")
      guard !names.contains("..") else { continue }
      while true {
        directories.append(names.isEmpty ? root : root + "/" + names.joined(separator: "/"))
        if names.popLast() == nil { break }
      }
    }
    return directories
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
    /// The memory limits of the process's control groups (versions 2 and 1) and what is used of them, without the page
    /// cache that can be dropped.
    private static func controlGroups() -> [(limit: Int, used: Int)] {
      var groups: [(limit: Int, used: Int)] = []
      for directory in groupDirectories(contents(of: "/proc/self/cgroup") ?? "0::/") {
        for (limitName, usedName) in [
          ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ] {
          guard let limit = contents(of: directory + "/" + limitName).flatMap(number),
            let used = contents(of: directory + "/" + usedName).flatMap(number)
          else { continue }
          var reclaimable = 0
          for line in (contents(of: directory + "/memory.stat") ?? "").split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == "inactive_file" || parts[0] == "active_file" {
              reclaimable += Int(parts[1]) ?? 0
            }
          }
          groups.append((limit, max(0, used - reclaimable)))
        }
      }
      return groups
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
