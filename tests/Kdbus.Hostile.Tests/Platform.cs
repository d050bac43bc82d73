using System.Runtime.Versioning;

// Mounts, user ids and /proc: all of it is Linux.
[assembly: SupportedOSPlatform("linux")]
