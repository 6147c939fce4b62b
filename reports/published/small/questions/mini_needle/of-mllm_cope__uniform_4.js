given("of-mllm_cope__uniform_4",{"outcomes":"122233322212223222223322","labels":null});
