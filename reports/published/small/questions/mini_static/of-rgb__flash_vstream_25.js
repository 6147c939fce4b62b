given("of-rgb__flash_vstream_25",{"outcomes":"333321323332332333223132","labels":null});
