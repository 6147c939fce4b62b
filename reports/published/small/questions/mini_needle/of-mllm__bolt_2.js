given("of-mllm__bolt_2",{"outcomes":"332323321333222233321222","labels":null});
