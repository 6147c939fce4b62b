given("of-mllm_cope__oracle_cope_4",{"outcomes":"122312113312231233111221","labels":null});
