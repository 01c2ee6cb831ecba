import CFuzzer
import Glibc

// One executable for all targets, so that one build serves them all; the arguments are libFuzzer's. See scripts/fuzz.

_ = FuzzTarget.current
var count = CommandLine.argc
var arguments = unsafe Optional(CommandLine.unsafeArgv)
exit(
  unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, size in
    FuzzTarget.current.run(unsafe Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
  })
