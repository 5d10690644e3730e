import { hasLinuxGpu } from '../../scripts/find-chrome.mjs';

/**
 * A toggle of Dawn's, on in Chrome too: workgroup memory is set to zeros by a loop in the kernel, not by the driver. SwiftShader's way is a store for
 * each word, which took a quarter of the time in which kernels are compiled.
 */
export const ZEROS_BY_LOOP = hasLinuxGpu()
  ? []
  : ['disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension'];
