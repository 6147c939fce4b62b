given("of-mllm__q_frame_8",{"outcomes":"332323211323222332233121","labels":null});
