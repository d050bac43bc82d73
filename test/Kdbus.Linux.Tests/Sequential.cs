// Descriptors, children and mounts belong to the whole process: a child another test is just starting would for a moment hold this test's
// files open.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
