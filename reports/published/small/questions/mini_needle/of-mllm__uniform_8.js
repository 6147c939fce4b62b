given("of-mllm__uniform_8",{"outcomes":"332223322212222332223322","labels":null});
