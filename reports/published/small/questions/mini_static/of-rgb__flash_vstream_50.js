given("of-rgb__flash_vstream_50",{"outcomes":"333321323332123333323323","labels":null});
