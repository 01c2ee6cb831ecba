import Shards

/// Target `npz`: the input is an archive of arrays.
func fuzzNpz(_ bytes: [UInt8]) {
  let path = MemoryFile.write(bytes)
  do throws(NpyError) {
    for name in try NpzArray.names(in: path).prefix(8) { readArray(path, name, bytes.count) }
    readArray(path, nil, bytes.count)
  } catch { require(!error.message.isEmpty, "an error without words") }
}

/// All ways to read an array give the same rows, or all refuse.
private func readArray(_ path: String, _ name: String?, _ fileBytes: Int) {
  do throws(NpyError) {
    let array = try NpzArray(path: path, name: name)
    let (header, rowBytes) = (array.header, array.rowBytes)
    // No claim goes beyond what deflate can hold: there is no memory to be had for nothing.
    require(header.shape[0] * rowBytes <= fileBytes * 1033, "\(header.shape) from \(fileBytes) bytes")
    let isColumnMajor = array.isColumnMajor
    let rows = try array.allRows()
    require(rows.count == header.shape[0] * rowBytes, "\(rows.count) bytes of rows")
    if isColumnMajor { return }
    var again = try NpzArray(path: path, name: name)
    var blocks: [UInt8] = []
    while let block = try again.nextRows(atMost: 100) { blocks += block }
    require(blocks == rows, "blocks are other rows")
  } catch { require(!error.message.isEmpty, "an error without words") }
}
