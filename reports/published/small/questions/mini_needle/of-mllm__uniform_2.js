given("of-mllm__uniform_2",{"outcomes":"332123323333232332223322","labels":null});
