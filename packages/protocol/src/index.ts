/**
 * Every module of the package under one name each, for those who prefer one import to many.
 *
 * @since 0.1.0
 */
export * as Ascii from "./Ascii.ts"
export * as Command from "./Command.ts"
export * as Correlation from "./Correlation.ts"
export * as Dialect from "./Dialect.ts"
export * as Key from "./Key.ts"
export * as Limits from "./Limits.ts"
export * as FlagToken from "./meta/FlagToken.ts"
export * as MetaRequestDecoder from "./meta/RequestDecoder.ts"
export * as MetaRequestEncoder from "./meta/RequestEncoder.ts"
export * as MetaResponseDecoder from "./meta/ResponseDecoder.ts"
export * as MetaResponseEncoder from "./meta/ResponseEncoder.ts"
export * as MetaDialect from "./MetaDialect.ts"
export * as Pipeline from "./Pipeline.ts"
export * as ReceiveBuffer from "./ReceiveBuffer.ts"
export * as Reply from "./Reply.ts"
export * as Request from "./Request.ts"
export * as RequestReader from "./RequestReader.ts"
export * as ResponseReader from "./ResponseReader.ts"
export * as TextRequestDecoder from "./text/RequestDecoder.ts"
export * as TextRequestEncoder from "./text/RequestEncoder.ts"
export * as TextResponseDecoder from "./text/ResponseDecoder.ts"
export * as TextResponseEncoder from "./text/ResponseEncoder.ts"
export * as TextDialect from "./TextDialect.ts"
export * as WriteBuffer from "./WriteBuffer.ts"
