// Mounts and the descriptors children inherit belong to the whole process.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
