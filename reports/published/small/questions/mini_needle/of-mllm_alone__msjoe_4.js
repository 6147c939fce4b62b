given("of-mllm_alone__msjoe_4",{"outcomes":"212221211121221111212121","labels":null});
