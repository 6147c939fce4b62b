given("of-mllm_alone__msjoe_4",{"outcomes":"333333333333222331133321","labels":null});
