export type { SafetensorsData, SafetensorsDType } from './dtypes.ts';
export type { SafetensorsFile, SafetensorsTensor, TensorToWrite } from './safetensors.ts';
export { FormatError, readSafetensors, writeSafetensors } from './safetensors.ts';
