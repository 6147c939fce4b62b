given("of-mllm__q_frame_4",{"outcomes":"332333313323223332333321","labels":null});
