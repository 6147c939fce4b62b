given("of-rgb_dense__flash_vstream_50",{"outcomes":"212221442112212212121221","labels":null});
